// What methods.test.ts declares, for all methods: it looks at the tier.
import './methods.test.js';
