import { type SymbolType, symbol, symbolCircle, symbolDiamond, symbolSquare, symbolTriangle } from 'd3-shape';
import { element, GROUND } from './svg.js';

/** Okabe and Ito's colours, told apart with every kind of colour blindness; the pale yellow left out. */
export const SERIES_COLORS = ['#333333', '#d55e00', '#0072b2', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'] as const;

const SHAPES: readonly SymbolType[] = [symbolCircle, symbolSquare, symbolTriangle, symbolDiamond];
/** Square pixels. */
const AREA = 64;
const drawSymbol = symbol().size(AREA).digits(2);

/** The marker of a series: colour and shape both tell it apart. */
export const markerShape = (index: number, x: number, y: number): string =>
  element('path', {
    class: 'marker',
    d: drawSymbol.type(SHAPES[index % SHAPES.length]!)() ?? '',
    transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})`,
    fill: SERIES_COLORS[index % SERIES_COLORS.length]!,
    stroke: GROUND,
    'stroke-width': 1,
  });
