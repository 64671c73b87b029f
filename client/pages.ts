import type { List } from "./answers.ts";
import { type Answer, orThrow } from "./problem.ts";

/** What a query of a list says of its page; spread it into the rest of the query. */
export interface Page {
  readonly cursor?: string;
}

/**
 * All items of a list, page after page, each asked for when it is needed. A list is stable while rows arrive: none comes twice, and none
 * that was there is left out.
 *
 * `for await (const line of itemsOf((page) => client.wallets({ id }).transactions.get({ query: { ...page, limit: "200" } })))`
 *
 * @throws Refused, as {@link orThrow} does
 */
export async function* itemsOf<Item>(get: (page: Page) => Promise<Answer<List<Item>>>): AsyncGenerator<Item, void> {
  let page: Page | undefined = {};
  while (page !== undefined) {
    const { items, next_cursor }: List<Item> = await orThrow(get(page));
    yield* items;
    page = next_cursor === null ? undefined : { cursor: next_cursor };
  }
}
