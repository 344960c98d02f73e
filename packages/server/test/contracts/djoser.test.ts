import { answersAsRecorded } from "./replay.ts";

answersAsRecorded("djoser", ["default", "short", "options", "token"]);
