import { text, type Rule } from "./field.ts";

/**
 * The patterns of Coolify 379abb2, app/Support/ValidationPatterns.php, and the rules made of them. `\A` and `\z` there are `^` and `$` here.
 */
const name = /^[\p{L}\p{M}\p{N}\s\-_.@/&()#,:+]+$/u;
const description = /^[\p{L}\p{M}\p{N}\s\-_.,!?()'"+=*@/&]+$/u;
const databaseIdentifier = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/;
const databasePassword = /^[A-Za-z0-9!@#%^*()_+\-=[\]{}:,.?/~]+$/;
const imageName =
  /^(?=.{1,255}$)(?:(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]+)?\/)?[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*)(?:@sha256)?$/;
const imageTag = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const shellSafe = /^(?:[ \t]+|&&|\|\||"[^"$`\\\n\r]*"|'[^'\n\r]*'|[a-zA-Z0-9._\-/=:@,+[\]{}#%^~*?!]+)+$/;
const simpleName = /^[a-zA-Z0-9][a-zA-Z0-9._-]*$/;
const directory = /^\/([a-zA-Z0-9._\-/~@+]*)?$/;

/** A health check command's alphabet: no quotes, pipes, `&&` or `$`. */
export const healthCommand = /^[a-zA-Z0-9 \-_./:=@,+]+$/;
/** A health check path's alphabet: no query string. */
export const healthPath = /^[a-zA-Z0-9/\-_.~%,;]+$/;

export const isImageName = (value: string): boolean => imageName.test(value);
export const isImageTag = (value: string): boolean => imageTag.test(value);

export const nameRule: Rule = text({
  min: 3,
  max: 255,
  pattern: name,
  patternMessage:
    "The name may only contain letters (including Unicode), numbers, spaces, and these characters: - _ . / @ & ( ) # , : +",
});

export const descriptionRule: Rule = text({
  max: 255,
  nullable: true,
  pattern: description,
  patternMessage:
    "The description may only contain letters (including Unicode), numbers, spaces, and common punctuation: - _ . , ! ? ( ) ' \" + = * / @ &",
});

export const imageNameRule: Rule = text({ nullable: true, max: 255, pattern: imageName });
export const imageTagRule: Rule = text({ nullable: true, max: 128, pattern: imageTag });
export const databaseIdentifierRule: Rule = text({ nullable: true, min: 1, max: 63, pattern: databaseIdentifier });
export const databasePasswordRule: Rule = text({ nullable: true, min: 1, max: 128, pattern: databasePassword });
export const containerNameRule: Rule = text({ max: 255, pattern: simpleName });
export const volumeNameRule: Rule = text({ pattern: simpleName });
export const hostPathRule: Rule = text({ nullable: true, pattern: directory });

/** A command that a shell cannot be tricked with. */
export const shellSafeRule = (max: number): Rule => text({ nullable: true, max, pattern: shellSafe });

/** A variable's name, after trimming. */
export const variableKeyRule: Rule = text({ max: 255, pattern: /^[A-Za-z_][A-Za-z0-9_.]*$/ });
