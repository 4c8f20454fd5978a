// Tests of adapters load models of tfjs-layers and tfjs-converter.
module.exports = { ...require('../../tools/jest.preset.cjs'), moduleNameMapper: {} };
