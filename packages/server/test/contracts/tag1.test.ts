import { answersAsRecorded } from "./replay.ts";

answersAsRecorded("tag1", ["default", "short", "djoser", "stock"]);
