module.exports = require('../tools/jest.config.cjs');
