import { Global, Module } from "@nestjs/common";
import { UpdatesController } from "./updates.controller";
import { UpdatesGateway } from "./updates.gateway";
import { UpdatesService } from "./updates.service";

/** For everybody: whatever changes what users see announces it. */
@Global()
@Module({
  controllers: [UpdatesController],
  providers: [UpdatesService, UpdatesGateway],
  exports: [UpdatesService, UpdatesGateway],
})
export class UpdatesModule {}
