import { createStore, type Store } from "./api/store.ts";

/** `auto` is as the system has it. */
export type Theme = "auto" | "light" | "dark";

const KEY = "theme";
const THEMES: readonly Theme[] = ["auto", "light", "dark"];

/** The reader's choice, on the page's root element and remembered. */
export function createTheme(root: HTMLElement, storage: Storage): Store<Theme> {
  const kept = THEMES.find((each) => each === read(storage)) ?? "auto";
  const theme = createStore<Theme>(kept);
  const show = (): void => {
    root.dataset.theme = theme.get();
    try {
      storage.setItem(KEY, theme.get());
    } catch {
      // A browser may refuse storage: then it is not remembered.
    }
  };
  theme.subscribe(show);
  show();
  return theme;
}

export function nextTheme(theme: Theme): Theme {
  return THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "auto";
}

function read(storage: Storage): string | null {
  try {
    return storage.getItem(KEY);
  } catch {
    return null;
  }
}
