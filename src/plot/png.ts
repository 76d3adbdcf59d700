import { createRequire } from 'node:module';

/** Twice the size in which SVGs are drawn: text stays sharp in slides. */
const ZOOM = 2;

const require = createRequire(import.meta.url);

/**
 * A picture as PNG. Text is set in a font that comes along (Inter), as servers often have none, and looks the same everywhere.
 *
 * @throws where the renderer is not installed for this system, or the text is no SVG
 */
export async function renderPng(svg: string): Promise<Buffer> {
  const { Resvg } = await import('@resvg/resvg-js');
  const fontFiles = [
    require.resolve('@expo-google-fonts/inter/400Regular/Inter_400Regular.ttf'),
    require.resolve('@expo-google-fonts/inter/600SemiBold/Inter_600SemiBold.ttf'),
  ];
  const font = { loadSystemFonts: false, fontFiles, defaultFontFamily: 'Inter', sansSerifFamily: 'Inter' };
  return new Resvg(svg, { fitTo: { mode: 'zoom', value: ZOOM }, font, background: '#ffffff' }).render().asPng();
}

/** PNGs of pictures that are SVGs, by file name; none, and a warning, where this system has no renderer. */
export async function renderPngs(
  pictures: Readonly<Record<string, string>>,
  warn: (text: string) => void,
): Promise<Record<string, Uint8Array>> {
  try {
    const made = Object.entries(pictures).map(
      async ([name, svg]) => [name.replace(/\.svg$/, '.png'), await renderPng(svg)] as const,
    );
    return Object.fromEntries(await Promise.all(made));
  } catch (error) {
    warn(`pictures are written as SVG only: ${(error as Error).message}`);
    return {};
  }
}
