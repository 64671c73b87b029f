/** `bun run api-key <name> <role>`: makes an API key, and the entry of API_KEYS that knows it. Nothing is kept. */
import { isClientName, isRole, makeApiKey, ROLES } from "../shared/http/api-keys.ts";

const [, , name = "", role = "", ...more] = process.argv;
if (!isClientName(name) || !isRole(role) || more.length > 0) {
  console.error(`Usage: bun run api-key <name> <role>
  name  the client: up to 40 letters, digits, dots, underscores and hyphens
  role  ${ROLES.join(", ")}`);
  process.exit(1);
}
const { key, entry } = makeApiKey({ name, role });
console.log(`The key, for the client alone. It is not kept anywhere and cannot be shown again:
  ${key}
The entry of API_KEYS, for both servers:
  ${entry}`);
