import assert from "node:assert/strict";
import { redactor } from "../../operations/redact.ts";

describe("redaction", () => {
  const redact = redactor({
    COOLIFY_TOKEN: "1|abcdef123456",
    DATABASE_URL: "postgres://app:pa%2Fss-word@db:5432/affexai",
    VARIABLE_JWT_SECRET: "jwt-secret-value",
    POSTGRES_PASSWORD: "abc",
    LOG_LEVEL: "information",
  });

  it("blanks every secret of the environment, wherever it stands", () => {
    assert.equal(redact("token 1|abcdef123456, twice 1|abcdef123456."), "token [redacted], twice [redacted].");
    assert.equal(redact("jwt-secret-value"), "[redacted]");
  });

  it("blanks the password of a URL also where it stands alone, encoded or not", () => {
    assert.equal(redact("password pa/ss-word is wrong"), "password [redacted] is wrong");
    assert.equal(redact("connecting with pa%2Fss-word"), "connecting with [redacted]");
  });

  it("blanks passwords in URLs that it has never seen", () => {
    assert.equal(redact("see redis://default:unknown-one@cache:6379/0"), "see redis://default:[redacted]@cache:6379/0");
  });

  it("blanks private keys of age, also those in a file of several", () => {
    assert.equal(redact("# key\nAGE-SECRET-KEY-1QQQQ5\nAGE-SECRET-KEY-PQ-1ABC"), "# key\n[redacted]\n[redacted]");
  });

  it("blanks a key of several lines also where one of them is quoted", () => {
    const clean = redactor({ DATABASE_SSH_KEY: "-----BEGIN-----\nb3BlbnNzaC1rZXk\n-----END-----\n" });
    assert.equal(clean("cannot parse b3BlbnNzaC1rZXk"), "cannot parse [redacted]");
  });

  it("leaves what is no secret, and what is too short to be recognised", () => {
    assert.equal(redact("information abc"), "information abc");
  });
});
