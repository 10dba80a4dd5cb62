import { writeFileSync } from "node:fs";
import path from "node:path";
import { environmentExample } from "./example";

writeFileSync(path.join(__dirname, "..", "..", ".env.example"), environmentExample());
