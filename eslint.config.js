import tseslint from "typescript-eslint";

const from = (files, group, message) => ({
  files,
  rules: { "no-restricted-imports": ["error", { patterns: [{ group, message }] }] },
});

/** `no-restricted-imports` does not see import(): these folders do without it. */
const staticImports = {
  files: ["index.ts", "stacks/**", "components/**", "policy/**"],
  rules: {
    "no-restricted-syntax": [
      "error",
      { selector: "ImportExpression", message: "Import at the top, where the import rules see it." },
    ],
  },
};

export default tseslint.config(
  {
    ignores: [
      "examples/**",
      "node_modules/**",
      ".sandbox/**",
      ".tools/**",
      "eslint.config.js",
      "**/*.mjs",
      "policy/index.js",
    ],
  },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-unused-expressions": "error",
      "@typescript-eslint/require-await": "off",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
    },
  },
  {
    files: ["tests/**"],
    rules: {
      "@typescript-eslint/no-floating-promises": [
        "error",
        { allowForKnownSafeCalls: [{ from: "package", package: "mocha", name: ["describe", "it"] }] },
      ],
    },
  },
  from(
    ["index.ts"],
    ["./components/*", "./operations/*", "./policy/*", "./sandbox/*"],
    "index.ts reads from stacks/ only.",
  ),
  from(
    ["stacks/**"],
    ["**/policy/**", "**/sandbox/**", "**/operations/*.ts", "**/operations/**/*.ts", "!**/operations/*/spec.ts"],
    "stacks/ reads from components/ and spec modules.",
  ),
  from(
    ["components/**"],
    [
      "**/stacks/**",
      "**/policy/**",
      "**/sandbox/**",
      "**/operations/*.ts",
      "**/operations/**/*.ts",
      "!**/operations/*/spec.ts",
    ],
    "components/ read provider SDKs, smaller components and spec modules.",
  ),
  from(
    ["operations/**"],
    ["**/stacks/**", "**/components/**", "**/policy/**", "**/sandbox/**", "@pulumi/*"],
    "operations/ read Node, its libraries and itself.",
  ),
  from(
    ["policy/**"],
    ["**/stacks/**", "**/sandbox/**", "**/operations/*.ts", "**/operations/**/*.ts", "!**/operations/*/spec.ts"],
    "policy/ reads @pulumi/policy, component classes and specs.",
  ),
  staticImports,
  { files: ["operations/people/sandbox.ts"], rules: { "no-restricted-imports": "off" } },
);
