import { Command } from "@pulumi/command/local/command.js";
import { CoolifyApplication } from "../components/coolify-application.ts";
import { GithubDelivery } from "../components/github-delivery.ts";
import { type Declared, has, isUnknown, judge, objectAt, type Refuse, rule } from "./judge.ts";

const secretName =
  /PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|PRIVATE_KEY|API_?KEY|ACCESS_KEY|CREDENTIAL|DSN$|DATABASE_URL|REDIS_URL/i;
const secretValue = [
  /:\/\/[^/@\s]*:[^/@\s]+@/, // a URL with a password
  /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
  /\b(AKIA|ASIA)[A-Z0-9]{16}\b/,
  /\b(ghp|gho|ghs|ghr|github_pat)_\w{20,}/,
  /\b(sk|re|xox[abpr])[-_][\w-]{20,}/,
];
/** Shorter values occur in ordinary text by chance. */
const tellingLength = 8;

/** State, previews and logs show what is not marked secret to everybody who may look at them. */
export const secretsAreSecret = rule(
  {
    name: "secrets-are-secret",
    description: "Secrets travel as secrets: never in plain variables, specs, commands or the record of their output.",
    severity: "critical",
    remediationSteps: "Move it to `secretVariables`, or to `secrets` of the operation.",
  },
  judge(CoolifyApplication, (props, refuse) => judgePlain(props, refuse)),
  judge(GithubDelivery, (props, refuse) => judgePlain(props, refuse)),
  judge(Command, (props, refuse, { opts }) => {
    for (const key of ["create", "update", "delete"]) {
      if (has(props, key) && !/^[a-z-]+$/.test(String(props[key])))
        refuse(`${key} must be one verb: it is printed when it fails.`);
    }
    if (props["addPreviousOutputInEnv"] !== false) refuse("addPreviousOutputInEnv must be false.");
    const environment = objectAt(props, "environment");
    const names = Object.keys(environment);
    if (names.length === 0) return;
    for (const output of ["stdout", "stderr"]) {
      if (!opts.additionalSecretOutputs.includes(output)) refuse(`additionalSecretOutputs must name ${output}.`);
    }
    // A spec made of other resources' answers is unknown in preview; it is judged before the verb runs. Generated secrets are
    // unknown in preview too: being in `environment` is what makes them safe, whatever their value.
    const open = ["stdin", "interpreter"].filter((key) => has(props, key) && !isUnknown(props, key));
    for (const name of names.filter((key) => !isUnknown(environment, key))) {
      const secret = environment[name];
      if (typeof secret !== "string") refuse(`environment.${name} must be text.`);
      else if (secret.length >= tellingLength) {
        for (const key of open) {
          if (JSON.stringify(props[key]).includes(secret))
            refuse(`${key} must not hold the value of environment.${name}.`);
        }
      }
    }
  }),
);

function judgePlain(props: Declared, refuse: Refuse) {
  if (!has(props, "variables")) return refuse("variables must be given, if only empty.");
  const variables = objectAt(props, "variables");
  for (const name of Object.keys(variables)) {
    if (secretName.test(name)) {
      refuse(`variables.${name} must be a secret one, by its name.`);
      continue;
    }
    const value = variables[name];
    if (typeof value !== "string") refuse(`variables.${name} must be text.`);
    else if (secretValue.some((pattern) => pattern.test(value)))
      refuse(`variables.${name} must be a secret one, by its form.`);
  }
}
