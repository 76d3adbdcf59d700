/** The list over and over, up to `length` items. */
export const repeated = <Item>(items: ArrayLike<Item>, length: number): Item[] =>
  Array.from({ length }, (_, index) => items[index % items.length]!);
