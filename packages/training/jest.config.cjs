// A test trains on a model of tfjs-layers.
module.exports = { ...require('../../tools/jest.preset.cjs'), moduleNameMapper: {} };
