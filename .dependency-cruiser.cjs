// The import arrows of the architecture: bin → src/cli → { search, src/eval } → src/prefill →
// { src/model, src/onnx, src/runtime } → src/patterns → src/utils, src/errors. src/plot draws what it is given.
const from = (path) => ({ path });
const forbid = (name, comment, source, target) => ({
  name,
  comment,
  severity: 'error',
  from: from(source),
  to: { path: target },
});

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    forbid('nothing-imports-cli', 'the CLI is the top', '^(src/(?!cli/)|search/)', '^src/cli/'),
    forbid('nothing-imports-test', 'tests are nobody’s dependency', '^(src|search|bin)/', '^test/'),
    forbid(
      'nothing-shipped-imports-models',
      'the graph builder makes models; no user needs it',
      '^(src|search|bin)/',
      '^models/',
    ),
    forbid('search-stays-below-eval', 'search never imports eval', '^search/', '^src/eval/'),
    {
      ...forbid(
        'only-cli-and-index-import-search',
        'search is an application of the library',
        '^src/(?!cli/|index\\.ts)',
        '^search/',
      ),
    },
    forbid('eval-below-cli', 'eval does not know search', '^src/eval/', '^search/'),
    forbid('prefill-below', 'prefill knows neither search nor eval', '^src/prefill/', '^(search/|src/(eval|plot)/)'),
    forbid(
      'middle-layer',
      'model, onnx and runtime are independent of each other and of what uses them',
      '^src/(model|onnx|runtime)/',
      '^(search/|src/(eval|prefill|plot)/)',
    ),
    forbid('runtime-alone', 'runtime knows no graphs and no model files', '^src/runtime/', '^src/(model|onnx)/'),
    forbid('onnx-alone', 'graph work needs no runtime and no tokenizer', '^src/onnx/', '^src/(model|runtime)/'),
    forbid('model-alone', 'model directories need neither runtime nor graphs', '^src/model/', '^src/(runtime|onnx)/'),
    forbid('patterns-below', 'patterns are pure', '^src/patterns/', '^src/(?!patterns/|utils/|errors\\.ts)'),
    forbid('prompts-below', 'prompt generators are pure text', '^src/prompts/', '^src/(?!prompts/|utils/|errors\\.ts)'),
    forbid(
      'datasets-below',
      'data sets feed prompts',
      '^src/datasets/',
      '^src/(?!datasets/|prompts/|utils/|errors\\.ts)',
    ),
    forbid('plot-below', 'plots draw plain numbers', '^src/plot/', '^src/(?!plot/|utils/|errors\\.ts)'),
    forbid('utils-are-leaves', 'utils import only errors', '^src/utils/', '^src/(?!utils/|errors\\.ts)'),
    forbid('errors-are-a-leaf', 'errors import nothing of ours', '^src/errors\\.ts', '^(src|search)/'),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.tsx', '.js', '.mjs'] },
  },
};
