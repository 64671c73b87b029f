/** The typed client of both services: see docs/client.md. */
export type * from "./answers.ts";
export { type ClientOptions, type HistoryClient, historyClient, type WalletClient, walletClient } from "./client.ts";
export { type FollowOptions, follow } from "./follow.ts";
export { itemsOf, type Page } from "./pages.ts";
export {
  type Answer,
  NoAnswer,
  orThrow,
  type Problem,
  type ProblemCode,
  type ProblemStatus,
  Refused,
  UnexpectedAnswer,
} from "./problem.ts";
