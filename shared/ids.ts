/** Identifiers: UUID version 7 (RFC 9562), so that keys made later sort later and index inserts stay local. */

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

declare const brand: unique symbol;
/** A UUID in its lower-case text form. */
export type Uuid = string & { readonly [brand]: "uuid" };

/** A new UUIDv7. */
export function uuidv7(): Uuid {
  const id: string = Bun.randomUUIDv7();
  if (!isUuid(id)) throw new Error("the runtime has made an id that is no UUID");
  return id;
}

/** Whether the text is a UUID of any version; upper case is accepted, as RFC 9562 §4 asks of readers. */
export function isUuid(text: string): text is Uuid {
  return UUID.test(text);
}
