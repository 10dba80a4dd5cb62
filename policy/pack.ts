import { PolicyPack } from "@pulumi/policy";
import { rules } from "./rules.ts";

new PolicyPack("affexai", { policies: rules, enforcementLevel: "mandatory" });
