import { readFileSync } from 'node:fs';
import { validate } from 'dockerfile-utils';
import { Deployment, type IDeployment } from 'kubernetes-models/apps/v1';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1';
import { Service, ServiceAccount } from 'kubernetes-models/v1';
import { parseAllDocuments } from 'yaml';

const read = (name: string): string => readFileSync(new URL(`../deploy/${name}`, import.meta.url), 'utf8');
const container = read('Dockerfile');
const documents = parseAllDocuments(read('kubernetes.yaml'));
const objects = documents.map((document) => document.toJS() as { readonly kind: string });
const deployment = objects.find(({ kind }) => kind === 'Deployment') as unknown as IDeployment;
const pod = deployment.spec!.template.spec!;
const [serve] = pod.containers;

describe('the container file', () => {
  test('has nothing that the linter of the Docker language server finds', () => {
    expect(validate(container)).toEqual([]);
    // It finds something.
    expect(validate('FROM node\nENTRYPOINT').length).toBeGreaterThan(0);
  });

  test('takes images by their versions, copies nothing from outside, and does not run as root', () => {
    const lines = container.replace(/\\\n/g, ' ').split('\n');
    const of = (keyword: string): string[] => lines.filter((line) => line.startsWith(`${keyword} `));
    for (const line of of('FROM')) expect(line).toMatch(/^FROM node:\d+\.\d+\.\d+-/);
    expect(of('ADD')).toEqual([]);
    expect(of('COPY')).toEqual(['COPY --from=install /app /app']);
    expect(of('USER').at(-1)).toMatch(/^USER [1-9]\d+:[1-9]\d+$/);
    // A shell would not pass SIGTERM on.
    for (const line of [...of('ENTRYPOINT'), ...of('CMD')]) expect(line).toMatch(/^\w+ \[/);
  });
});

describe('the manifest', () => {
  test('is valid by the schemas of Kubernetes', () => {
    const kinds = { ServiceAccount, Deployment, Service, PodDisruptionBudget };
    expect(objects.map(({ kind }) => kind)).toEqual(Object.keys(kinds));
    expect(documents.flatMap(({ errors, warnings }) => [...errors, ...warnings])).toEqual([]);
    for (const each of objects) {
      const Kind = kinds[each.kind as keyof typeof kinds];
      expect(() => new Kind(each as never).validate()).not.toThrow();
    }
    // The schemas refuse something.
    expect(() => new Deployment({ ...deployment, spec: { replicas: 'two' } } as never).validate()).toThrow();
  });

  test('reads its root only, is not root, and has no rights', () => {
    expect(pod.securityContext).toMatchObject({
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    const [user, group] = /^USER (\d+):(\d+)$/m.exec(container)!.slice(1).map(Number);
    expect([pod.securityContext!.runAsUser, pod.securityContext!.runAsGroup]).toEqual([user, group]);
    expect(serve!.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect([pod.automountServiceAccountToken, pod.hostNetwork, pod.hostPID]).toEqual([
      false,
      undefined,
      undefined,
    ]);
    expect(serve!.image).toMatch(/:\d+\.\d+\.\d+$/);
    expect([serve!.resources?.limits?.memory, serve!.resources?.limits?.cpu]).not.toContain(undefined);
  });

  test('asks for what the server has, on the port that it listens on', () => {
    const [{ containerPort }] = serve!.ports as [{ containerPort: number }];
    expect(container).toContain(`EXPOSE ${containerPort}`);
    expect(serve!.startupProbe!.httpGet!.path).toBe('/ready');
    expect(serve!.readinessProbe!.httpGet!.path).toBe('/ready');
    expect(serve!.livenessProbe!.httpGet!.path).toBe('/live');
    const watched = serve!.args![serve!.args!.indexOf('--watch') + 1];
    expect(serve!.volumeMounts!.map(({ mountPath }) => mountPath)).toContain(watched);
    // The pause before the end and the time in which requests are finished.
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(5 + 25);
  });
});
