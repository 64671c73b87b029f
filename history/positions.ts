import type { StreamPosition } from "./queries.ts";

/**
 * A place in the stream of all stored events: per partition, the position of the last event before it. As text it is the
 * `id:` of a server-sent event: `0-17.3-4`, partitions in order, those without events left out.
 */
export type Positions = ReadonlyMap<number, number>;

const TEXT = /^\d{1,5}-\d{1,15}(?:\.\d{1,5}-\d{1,15})*$/;
/** Far more partitions than a topic of this size has; a longer text was not made here. */
const TEXT_MAX_CHARACTERS = 4_096;
/** The place before all events, where nothing has been stored yet. */
const START = "0-0";

export function formatPositions(positions: Positions): string {
  const parts = [...positions].toSorted(([a], [b]) => a - b).map(([partition, position]) => `${partition}-${position}`);
  return parts.length === 0 ? START : parts.join(".");
}

/** The place, or undefined where the text is none. */
export function parsePositions(text: string): Map<number, number> | undefined {
  if (text.length > TEXT_MAX_CHARACTERS || !TEXT.test(text)) return undefined;
  const pairs = text.split(".").map((part) => part.split("-").map(Number));
  return new Map(pairs.map(([partition = 0, position = 0]) => [partition, position]));
}

export function toPositions(rows: readonly StreamPosition[]): Map<number, number> {
  return new Map(rows.map(({ partition, last_position }) => [partition, last_position]));
}

/** The partitions in which `place` is before `target`. */
export function partitionsBehind(place: Positions, target: Positions): number[] {
  return [...target].flatMap(([partition, position]) => ((place.get(partition) ?? 0) < position ? [partition] : []));
}
