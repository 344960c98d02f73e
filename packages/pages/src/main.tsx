import "./style.css";
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";
import { takeToken } from "./links.tsx";
import { loadMessages } from "./text.ts";

takeToken();
const root = document.getElementById("root");
if (root === null) throw new Error("The page has no root.");
void loadMessages().then(() => createRoot(root).render(<App />));
