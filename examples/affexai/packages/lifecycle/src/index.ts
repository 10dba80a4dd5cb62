export { type Drain, type DrainOptions, type DrainPhase, currentDrain, installDrain } from "./drain";
export { announceRelease, currentRelease, type ReleaseIdentity, readRelease } from "./release";
