/** A router as labels define it. Names are those of the labels, without the provider's suffix. */
export interface Router {
  readonly rule: string;
  readonly service: string;
  /** Empty stands for all. */
  readonly entryPoints: readonly string[];
  readonly middlewares: readonly string[];
  /** 0 stands for the length of the rule. */
  readonly priority: number;
  /** Serves TLS connections only, with these options; null for a router of plain HTTP. */
  readonly tls: Readonly<Record<string, string>> | null;
}

export interface HealthCheck {
  readonly path: string;
  readonly intervalMs: number;
  /** For servers that are down; equal to `intervalMs` unless given. */
  readonly unhealthyIntervalMs: number;
  readonly timeoutMs: number;
  /** The Host header, or "" for the server's own. */
  readonly hostname: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly method: string;
  /** 0 stands for 200 to 399. */
  readonly status: number;
  /** 0 stands for the server's own. */
  readonly port: number;
  readonly followRedirects: boolean;
}

export interface Service {
  /** `http://address:port`, one for each container. */
  readonly servers: readonly string[];
  readonly healthCheck: HealthCheck | null;
  readonly passHostHeader: boolean;
}

/** A middleware by its kind. */
export type Middleware =
  | { readonly kind: "retry"; readonly attempts: number; readonly initialIntervalMs: number }
  | {
      readonly kind: "headers";
      /** An empty value removes the header. */
      readonly request: Readonly<Record<string, string>>;
      readonly response: Readonly<Record<string, string>>;
    }
  | { readonly kind: "redirectscheme"; readonly scheme: string; readonly port: string; readonly permanent: boolean }
  | {
      readonly kind: "redirectregex";
      readonly regex: string;
      readonly replacement: string;
      readonly permanent: boolean;
    }
  | { readonly kind: "stripprefix"; readonly prefixes: readonly string[]; readonly forceSlash: boolean }
  | { readonly kind: "addprefix"; readonly prefix: string }
  | { readonly kind: "compress"; readonly minimumBytes: number };

/** What one container's labels say, or all containers' together. */
export interface Definitions {
  readonly routers: Readonly<Record<string, Router>>;
  readonly services: Readonly<Record<string, Service>>;
  readonly middlewares: Readonly<Record<string, Middleware>>;
}
