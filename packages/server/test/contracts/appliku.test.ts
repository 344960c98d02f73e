import { answersAsRecorded } from "./replay.ts";

answersAsRecorded("appliku", ["default", "short", "plain"]);
