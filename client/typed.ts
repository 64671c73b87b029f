import type { AnyElysia, DefinitionBase, Elysia, EphemeralType, MetadataBase, SingletonBase } from "elysia";
import type { ProblemCodeOf, ProblemStatus } from "../shared/http/catalogue.ts";
import type { RequestHeader } from "../shared/http/describe.ts";
import type { Problem } from "./problem.ts";

/**
 * An app as a caller sees it: paths, parameters and bodies are Elysia's own types of the server's code, answers are those of a table
 * (see answers.ts), and every refusal is a problem document. What the table does not name (pages, health) is left out.
 */
export type Typed<App extends AnyElysia, Answers> = Elysia<
  "",
  SingletonBase,
  DefinitionBase,
  MetadataBase,
  Answering<App["~Routes"], Answers>,
  EphemeralType,
  EphemeralType
>;

/** What Elysia knows of one method of one path. */
interface Route {
  body: unknown;
  params: unknown;
  query: unknown;
  headers: unknown;
  response: unknown;
}

type Answering<Routes, Answers, Path extends string = ""> = {
  [Key in Named<Routes, Answers, Path>]: Routes[Key] extends Route
    ? Omit<Routes[Key], "headers" | "response"> & {
        headers: Headers;
        response: Answers[Operation<Answers, Key, Path>] & Refusals;
      }
    : Answering<Routes[Key], Answers, `${Path}/${Key}`>;
};

/** The methods and parts of paths that the table names. */
type Named<Routes, Answers, Path extends string> = {
  [Key in keyof Routes & string]: [
    Routes[Key] extends Route ? Operation<Answers, Key, Path> : Below<Answers, `${Path}/${Key}`>,
  ] extends [never]
    ? never
    : Key;
}[keyof Routes & string];

type Operation<Answers, Method extends string, Path extends string> = Extract<
  keyof Answers,
  `${Uppercase<Method>} ${Path}`
>;

type Below<Answers, Path extends string> = Extract<keyof Answers, `${string} ${Path}` | `${string} ${Path}/${string}`>;

/** Headers that a request may carry; which of them a route reads is in the API description. */
type Headers = { [Name in RequestHeader | "Request-Id" | "traceparent"]?: string };

type Refusals = { [Status in ProblemStatus]: Problem<ProblemCodeOf<Status>, Status> };
