// A service that never says that it is ready: it waits to be stopped.
process.stdout.write("still warming up\n");
process.on("message", () => process.exit(0));
process.once("disconnect", () => process.exit(0));
