/** protobuf cannot hold more; larger models keep their weights in external data. */
export const MAX_MODEL_BYTES = 2 ** 31 - 1;
/** Far above any decoder (a 126-layer model decomposed by Optimum has about 35,000 nodes). */
export const MAX_NODES = 1_000_000;
export const MAX_INITIALIZERS = 1_000_000;
