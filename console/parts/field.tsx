import type { ComponentChildren, InputHTMLAttributes } from "preact";
import { useId } from "preact/hooks";
import type { Problem } from "../api/wire.ts";

export interface FieldProps {
  readonly label: string;
  readonly value: string;
  readonly onValue: (value: string) => void;
  /** Where the API says what is wrong with it: `/amount`. */
  readonly pointer?: string;
  readonly problem?: Problem | null;
  readonly hint?: ComponentChildren;
  readonly input?: InputHTMLAttributes;
}

/** A line of text with its name. What is wrong with it is the API's to say; it is shown here too. */
export function Field({ label, value, onValue, pointer, problem, hint, input = {} }: FieldProps) {
  const id = useId();
  const error = problem?.errors?.find(({ path }) => path === pointer);
  const described = [error && `${id}-error`, hint && `${id}-hint`].filter(Boolean).join(" ");
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        {...input}
        id={id}
        value={value}
        autoComplete="off"
        spellcheck={false}
        aria-invalid={error !== undefined}
        {...(described !== "" && { "aria-describedby": described })}
        onInput={(event) => onValue(event.currentTarget.value)}
      />
      {error && (
        <p class="field-error" id={`${id}-error`}>
          {error.message}
        </p>
      )}
      {hint && (
        <p class="field-hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

export interface ChoiceProps<T extends string> {
  readonly label: string;
  readonly options: readonly (readonly [value: T, text: string])[];
  readonly value: T;
  readonly onValue: (value: T) => void;
}

/** One of a few, all in sight. */
export function Choice<T extends string>({ label, options, value, onValue }: ChoiceProps<T>) {
  const name = useId();
  return (
    <fieldset class="choice">
      <legend class="unseen">{label}</legend>
      {options.map(([each, text]) => (
        <label key={each}>
          <input type="radio" name={name} checked={each === value} onChange={() => onValue(each)} />
          <span>{text}</span>
        </label>
      ))}
    </fieldset>
  );
}
