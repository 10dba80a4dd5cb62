import { Module } from "@nestjs/common";
import { TypeOrmModule } from "@nestjs/typeorm";
import { MediaController } from "./media.controller";
import { Media } from "./media.entity";
import { MediaService } from "./media.service";
import { Page } from "./page.entity";
import { PagesController } from "./pages.controller";
import { PagesService } from "./pages.service";

@Module({
  imports: [TypeOrmModule.forFeature([Page, Media])],
  controllers: [PagesController, MediaController],
  providers: [PagesService, MediaService],
})
export class CmsModule {}
