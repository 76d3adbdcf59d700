// onnxruntime-node's install script calls this first, to find a proxy; then it downloads a CUDA provider of another version
// than CUDA's here, from elsewhere than npm. Its library for the CPU is in the package: there is nothing to install.
exports.bootstrap = () => process.exit(0);
