/** Bytes in one send: all may be of one partition, whose batch must stay below the broker's usual 1 MiB. */
const SEND_BYTES = 800_000;
/** What headers and framing add to an event. */
const OVERHEAD_BYTES = 450;

/** The rows in their order, in parts that the broker takes whole. */
export function* inSends<Row extends { readonly payload: string }>(rows: readonly Row[]): Generator<readonly Row[]> {
  let from = 0;
  let bytes = 0;
  for (const [index, row] of rows.entries()) {
    const size = Buffer.byteLength(row.payload) + OVERHEAD_BYTES;
    if (bytes + size > SEND_BYTES && index > from) {
      yield rows.slice(from, index);
      from = index;
      bytes = 0;
    }
    bytes += size;
  }
  if (from < rows.length) yield rows.slice(from);
}
