import { writeFileSync } from "node:fs";
import path from "node:path";
import { configurationExample } from "./configuration.ts";

writeFileSync(path.join(import.meta.dirname, "..", ".env.example"), configurationExample());
