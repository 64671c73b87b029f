/** Pictures of 24 × 24, drawn in the colour of the text around them. They decorate: the words beside them say the same. */
const PATHS = {
  wallet:
    "M3 7.500A2.500 2.500 0 0 1 5.500 5H18v3M3 7.500V17a2 2 0 0 0 2 2h14a2 2 0 0 0 2-2v-7a2 2 0 0 0-2-2H5.500M16.500 13.500h.01",
  move: "M4 8h14m0 0-4-4m4 4-4 4M20 16H6m0 0 4 4m-4-4 4-4",
  live: "M3 12h4l3-8 4 16 3-8h4",
  ledger: "M5 4h14v16H5zM9 4v16M12 8.500h4M12 12h4M12 15.500h4",
  system: "M4 5h16v6H4zM4 13h16v6H4zM7.500 8h.01M7.500 16h.01",
  in: "M12 4v14m0 0 5-5m-5 5-5-5",
  out: "M12 20V6m0 0 5 5m-5-5-5 5",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  hold: "M8 5v14M16 5v14",
  release: "M7 5v14l11-7z",
  cross: "M6 6l12 12M18 6 6 18",
  lock: "M6 11h12v9H6zM8.500 11V8a3.500 3.500 0 0 1 7 0v3",
  unlock: "M6 11h12v9H6zM8.500 11V7a3.500 3.500 0 0 1 6.800-1",
  star: "M12 4v16M4 12h16M6.500 6.500l11 11M17.500 6.500l-11 11",
  copy: "M9 9h11v11H9zM15 9V4H4v11h5",
  again: "M20 12a8 8 0 1 1-2.500-5.800M20 4v4h-4",
  check: "M5 12.500l4.500 4.500L19 7",
  link: "M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.700-5.700L12 7M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.700 5.700L12 17",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2M12 20v2M4.900 4.900l1.400 1.400M17.700 17.700l1.400 1.400M2 12h2M20 12h2M4.900 19.100l1.400-1.400M17.700 6.300l1.400-1.400",
  moon: "M20 14.500A8 8 0 0 1 9.500 4 8 8 0 1 0 20 14.500z",
  auto: "M12 4a8 8 0 1 0 0 16zM12 4a8 8 0 0 1 0 16",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
