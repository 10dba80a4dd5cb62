import { CoolifyApplication } from "../components/coolify-application.ts";
import { judge, objectAt, rule } from "./judge.ts";

/** Bundlers put the values of these into the built files: Next.js, Create React App, Vite. */
const readByBundlers = /^(NEXT_PUBLIC|REACT_APP|VITE)_/;

/** An image is built once for all environments: what its build read is not changed by a variable of the container. */
export const noBuildTimeVariables = rule(
  {
    name: "no-build-time-variables",
    description:
      "What differs between environments is read when the application runs, so that one digest serves them all.",
    severity: "high",
    remediationSteps:
      "Give the variable a name without that prefix, read it on the server for each request, and hand it to the browser in the page.",
  },
  judge(CoolifyApplication, (props, refuse) => {
    for (const group of ["variables", "secretVariables"]) {
      for (const name of Object.keys(objectAt(props, group)).filter((key) => readByBundlers.test(key))) {
        refuse(`${group}.${name} has no effect on a built image: bundlers read it when they build.`);
      }
    }
  }),
);
