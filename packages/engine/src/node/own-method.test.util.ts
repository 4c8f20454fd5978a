import { createMethod, registerMethod, type AnomalyModel } from '@dskd/methods';

const named = <Model extends AnomalyModel>(model: Model): Model => Object.assign(model, { method: 'own' });

/** A method that only this module knows. */
const method = await createMethod('vm', null);
registerMethod({
  ...method,
  name: 'own',
  async fit(input, options) {
    const fit = await method.fit(input, options);
    return { ...fit, model: named(fit.model) };
  },
  restore: async (saved, options) => named(await method.restore(saved, options)),
});
