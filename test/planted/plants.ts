import type { Plant } from "./plant.ts";
import { DELIVERY } from "./plants/delivery.ts";
import { MONEY } from "./plants/money.ts";
import { ONCE } from "./plants/once.ts";
import { RECORDED } from "./plants/record.ts";
import { SAGA } from "./plants/saga.ts";

/** All that is planted, in the order in which it is told. */
export const PLANTS: readonly Plant[] = [...MONEY, ...ONCE, ...DELIVERY, ...RECORDED, ...SAGA];
