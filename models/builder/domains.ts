/** Domain of ONNX Runtime's contrib ops. */
export const MICROSOFT = 'com.microsoft';
