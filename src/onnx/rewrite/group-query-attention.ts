import { floatAttribute, intAttribute, stringAttribute } from '../attribute.js';
import { findHeadDim } from './head-dim.js';
import { checkCache } from './kv-cache.js';
import { type AttentionRule, require } from './rule.js';

/** Inputs that the op shares with GroupQueryAttention, in the same order. */
const SHARED_INPUTS = 12;
const ATTENTION_BIAS = 10;
const KNOWN_ATTRIBUTES = new Set([
  'num_heads',
  'kv_num_heads',
  'scale',
  'softcap',
  'do_rotary',
  'rotary_interleaved',
  'local_window_size',
  // A cache of the window's tokens only. The op takes caches of all tokens instead, and computes the window from them.
  'sliding_window_cache',
]);
/** Attributes that change nothing at these values. */
const NEUTRAL: Record<string, number> = { smooth_softmax: 0, qk_output: 0, kv_cache_bit_width: 0 };

/** com.microsoft.GroupQueryAttention: the op takes its inputs as they are. */
export const groupQueryAttention: AttentionRule = {
  name: 'GroupQueryAttention',
  source: 'GroupQueryAttention',
  isAnchor: (_, node) => node.opType === 'GroupQueryAttention' && node.domain === 'com.microsoft',

  match(graph, node) {
    for (const { name } of node.attribute) {
      if (KNOWN_ATTRIBUTES.has(name)) continue;
      if (name === 'k_quant_type' || name === 'v_quant_type') {
        require(['', 'NONE'].includes(stringAttribute(node, name)), 'its KV cache is quantised');
        continue;
      }
      require(name in NEUTRAL &&
        NEUTRAL[name] === intAttribute(node, name, 0), `its attribute ${name} is not supported`);
    }
    require(!node.input[ATTENTION_BIAS], 'it has an attention_bias: sparse patterns assume plain causal attention');
    require(!node.input.slice(SHARED_INPUTS).some(Boolean), 'its KV cache is quantised');
    require(!node.output.slice(3).some(Boolean), 'its scores are an output of their own');
    const numHeads = intAttribute(node, 'num_heads', 0);
    const numKvHeads = intAttribute(node, 'kv_num_heads', 0);
    require(numHeads > 0 &&
      numKvHeads > 0 &&
      numHeads % numKvHeads === 0, `it has ${numHeads} heads and ${numKvHeads} KV heads`);
    const inputs = Array.from({ length: SHARED_INPUTS }, (_, i) => node.input[i] ?? '');
    const [query, key, , pastKey, pastValue] = inputs as [string, string, string, string, string];
    const [output, presentKey, presentValue] = node.output as [string, string, string];
    const cache = checkCache(graph, { pastKey, pastValue, presentKey, presentValue });
    const window = intAttribute(node, 'local_window_size', -1);
    const rows = graph.type(pastKey)?.shape?.[2];
    const isShort = intAttribute(node, 'sliding_window_cache', 0) === 1 && typeof rows === 'number';
    require(!isShort, `its KV cache holds the last ${rows} tokens only, which the op does not move on`);
    return {
      node,
      source: 'GroupQueryAttention',
      numHeads,
      numKvHeads,
      headDim: findHeadDim(graph, {
        cache: [pastKey, presentKey],
        query,
        heads: key ? numHeads : numHeads + 2 * numKvHeads,
      }),
      attributes: {
        scale: floatAttribute(node, 'scale', 0),
        softcap: floatAttribute(node, 'softcap', 0),
        doRotary: intAttribute(node, 'do_rotary', 0) === 1,
        rotaryInterleaved: intAttribute(node, 'rotary_interleaved', 0) === 1,
        window: window > 0 ? window : null,
      },
      ...cache,
      wire() {
        graph.detach(node);
        return { inputs, outputs: [output, presentKey, presentValue] };
      },
    };
  },
};
