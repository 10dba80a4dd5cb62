import { Module } from "@nestjs/common";
import { TypeOrmModule } from "@nestjs/typeorm";
import { History } from "./history";
import { SystemLog } from "./system-log.entity";
import { SystemController } from "./system.controller";

@Module({
  imports: [TypeOrmModule.forFeature([SystemLog])],
  controllers: [SystemController],
  providers: [History],
  exports: [History],
})
export class SystemModule {}
