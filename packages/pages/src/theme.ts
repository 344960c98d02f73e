import {
  createTheme,
  localStorageColorSchemeManager,
  type MantineColorsTuple,
} from "@mantine/core";
import { settings } from "./settings.ts";

type Rgb = readonly [red: number, green: number, blue: number];

function rgbOf(hex: string): Rgb {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) =>
    Number.parseInt(hex.slice(at, at + 2), 16),
  );
  return [red, green, blue];
}

const mixed = (from: Rgb, to: Rgb, share: number): string =>
  `#${from.map((part, index) => hexOf(part + ((to[index] ?? 0) - part) * share)).join("")}`;
const hexOf = (part: number): string => Math.round(part).toString(16).padStart(2, "0");

const WHITE: Rgb = [255, 255, 255];
const BLACK: Rgb = [0, 0, 0];

/** Ten shades of the operator's colour, from nearly white to dark. The sixth is the colour. */
function shadesOf(light: string, dark: string): MantineColorsTuple {
  const [base, deep] = [rgbOf(light), rgbOf(dark)];
  return [
    mixed(base, WHITE, 0.92),
    mixed(base, WHITE, 0.84),
    mixed(deep, WHITE, 0.3),
    mixed(deep, WHITE, 0.15),
    dark,
    mixed(base, WHITE, 0.15),
    light,
    mixed(base, BLACK, 0.12),
    mixed(base, BLACK, 0.25),
    mixed(base, BLACK, 0.4),
  ];
}

const { color, darkColor, radius } = settings.brand;
const light = color ?? "#1c5d99";

export const theme = createTheme({
  fontFamily: "system-ui, sans-serif",
  headings: { fontFamily: "system-ui, sans-serif", fontWeight: "650" },
  primaryColor: "brand",
  primaryShade: { light: 6, dark: 5 },
  autoContrast: true,
  colors: {
    brand: shadesOf(
      light,
      darkColor ?? (color === null ? "#8cc4f5" : mixed(rgbOf(color), WHITE, 0.45)),
    ),
  },
  ...(radius !== null && { defaultRadius: radius }),
  respectReducedMotion: true,
  // Nearly all fields are required. The few others say that they are optional.
  components: Object.fromEntries(
    ["TextInput", "PasswordInput", "NativeSelect"].map((name) => [
      name,
      { defaultProps: { withAsterisk: false } },
    ]),
  ),
});

export const colorSchemes = localStorageColorSchemeManager({
  key: `portcullis:${settings.base}:scheme`,
});
