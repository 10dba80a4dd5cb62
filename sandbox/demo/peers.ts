/** What somebody published about releases elsewhere. Nobody publishes failed requests at a stated load, or seconds of a rollback. */
export interface Published {
  readonly peer: string;
  readonly what: string;
  readonly figure: string;
  readonly source: string;
}

export const peers: readonly Published[] = [
  {
    peer: "Coolify",
    what: "a rolling update, as a user measured it",
    figure: "18 to 31 s of 502 and 503",
    source: "https://github.com/coollabsio/coolify/issues/8627",
  },
  {
    peer: "Traefik on Swarm",
    what: "an update under a simple ping",
    figure: "two 502 and one 504",
    source: "https://github.com/traefik/traefik/issues/7373",
  },
  {
    peer: "Deis (Hephy)",
    what: "a deploy at 100 requests/s",
    figure: "5 to 100 x 502",
    source: "https://github.com/teamhephy/controller/issues/28",
  },
  {
    peer: "Railway",
    what: "a migration that waited for a lock",
    figure: "8 min down",
    source: "https://blog.railway.com/p/incident-report-december-8-2025",
  },
  {
    peer: "Fly.io",
    what: "a deploy that gave up on a good image",
    figure: "43 min down",
    source: "https://github.com/TheRestartProject/restarters.net/pull/905",
  },
];

/** The rows for the terminal. */
export function describePeers(): string[] {
  return [
    "What others publish:",
    ...peers.flatMap(({ peer, what, figure, source }) => [`  ${peer}, ${what}: ${figure}`, `    ${source}`]),
  ];
}
