import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { formatMoney } from "../money.ts";
import { formatClock, formatMoment } from "../time.ts";
import { copyText } from "./copy.ts";
import { Icon, type IconName } from "./icons.tsx";

/** The small parts that all views are made of. */

export interface MoneyProps {
  readonly amount: string;
  readonly currency?: string;
  readonly sign?: "+" | "−" | "";
  readonly tone?: "in" | "out" | "quiet";
}

export function Money({ amount, currency, sign = "", tone }: MoneyProps) {
  return (
    <span class={tone === undefined ? "money" : `money ${tone}`}>
      {sign}
      {formatMoney(amount)}
      {currency !== undefined && <small> {currency}</small>}
    </span>
  );
}

/** A time of the API, to the millisecond; the whole of it on demand. */
export function Clock({ at }: { readonly at: string }) {
  return (
    <time dateTime={at} title={at}>
      {formatClock(new Date(at))}
    </time>
  );
}

export function Moment({ at }: { readonly at: string }) {
  return (
    <time dateTime={at} title={at}>
      {formatMoment(new Date(at))}
    </time>
  );
}

/** An id, of which the end tells it from others: those that are made in a row begin alike. */
export function ShortId({ id }: { readonly id: string }) {
  return (
    <code class="id" title={id}>
      {id.length > 13 ? `…${id.slice(-12)}` : id}
    </code>
  );
}

export interface CardProps {
  readonly title: string;
  readonly aside?: ComponentChildren;
  readonly children: ComponentChildren;
  readonly class?: string;
}

export function Card({ title, aside, children, class: more = "" }: CardProps) {
  return (
    <section class={`card ${more}`} aria-label={title}>
      <header>
        <h2>{title}</h2>
        {aside}
      </header>
      {children}
    </section>
  );
}

/** A table that may be wider than its place. Who has no pointer scrolls it by the arrow keys, so it takes the focus. */
export function Scroll({ label, children }: { readonly label: string; readonly children: ComponentChildren }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard (WCAG 2.1.1).
    <section class="scroll" tabIndex={0} aria-label={label}>
      {children}
    </section>
  );
}

export type Tone = "good" | "bad" | "warn" | "plain";

export function Badge({ tone, children }: { readonly tone: Tone; readonly children: ComponentChildren }) {
  return <span class={`badge ${tone}`}>{children}</span>;
}

/** What there is to say where a list is empty or on its way. */
export function Empty({ children }: { readonly children: ComponentChildren }) {
  return <p class="empty">{children}</p>;
}

export interface ActionProps {
  readonly icon: IconName;
  readonly children: ComponentChildren;
  readonly onClick: () => void;
  readonly disabled?: boolean;
}

export function Action({ icon, children, onClick, disabled = false }: ActionProps) {
  return (
    <button type="button" class="action" onClick={onClick} disabled={disabled}>
      <Icon name={icon} />
      {children}
    </button>
  );
}

const COPIED_MS = 1_600;

/** Copies a text, and says that it has. */
export function Copy({ label, text, icon = "copy" }: { label: string; text: () => string; icon?: IconName }) {
  const [copied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    if (!(await copyText(text()))) return;
    setCopied(true);
    setTimeout(() => setCopied(false), COPIED_MS);
  };
  return (
    <Action icon={copied ? "check" : icon} onClick={() => void copy()}>
      <span aria-live="polite">{copied ? "Copied" : label}</span>
    </Action>
  );
}
