const secretNames = /PASSWORD|TOKEN|SECRET|DATABASE_URL|REDIS_URL|ACCESS_KEY|PASSPHRASE|PRIVATE_KEY|^VARIABLE_/;

/**
 * A function that blanks every secret of the environment out of a text: the values of variables with secret names, their
 * percent-encoded forms, and the passwords inside URLs. Values shorter than 6 characters are left, or every text would be holes.
 */
export function redactor(env: Readonly<Record<string, string | undefined>>): (text: string) => string {
  const secrets = new Set<string>();
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || !secretNames.test(name)) continue;
    const password = passwordOf(value);
    for (const form of [value, encodeURIComponent(value), password, encodeURIComponent(password)]) {
      if (form.length >= 6) secrets.add(form);
    }
  }
  const longestFirst = [...secrets].sort((one, other) => other.length - one.length);
  return (text) =>
    longestFirst
      .reduce((clean, secret) => clean.replaceAll(secret, "[redacted]"), text)
      .replaceAll(/(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]*):[^\s@/]+@/g, "$1:[redacted]@");
}

function passwordOf(value: string): string {
  return URL.canParse(value) ? decodeURIComponent(new URL(value).password) : "";
}
