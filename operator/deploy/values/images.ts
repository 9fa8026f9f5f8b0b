/** Where images come from. */
import { Type, type TObject, type TSchema } from 'typebox';
import { choice, group, kubernetesList, text } from './value.ts';

/** Shared by all charts of an umbrella chart, whose other keys are none of our business: open. */
export const globalValues = Type.Object(
  {
    imageRegistry: text({
      default: '',
      description:
        'Registry of every image, such as mirror.example:5000; empty: what the image says.',
    }),
  },
  { description: 'Values that an umbrella chart shares with its parts.' },
);

/** One image; also for the images of the development backends. */
export function image(what: string, repository: string, tag = ''): TObject {
  const ofChart = tag === '' ? '; empty: the version of the chart' : '';
  return group(what, {
    repository: text({
      default: repository,
      description: 'Where it is, without registry and tag.',
    }),
    tag: text({ default: tag, description: `Which version${ofChart}.` }),
    digest: text({
      default: '',
      pattern: '^(sha256:[0-9a-f]{64})?$',
      description: 'sha256:…; wins over the tag, and is what production should say.',
    }),
  });
}

export const imagesValues: TSchema = group('The two images of Millrace.', {
  pullPolicy: choice({
    default: 'IfNotPresent',
    oneOf: ['Always', 'IfNotPresent', 'Never'],
    description: 'When nodes pull them.',
  }),
  pullSecrets: kubernetesList({
    default: [],
    description: 'Names of Secrets to pull with, as [{name: …}]; for the pods of this chart.',
  }),
  operator: image(
    'Operator, metrics API and the hook that runs before an uninstall.',
    'millrace/operator',
  ),
  runtimes: image('Every pod that the operator makes.', 'millrace/runtimes'),
});
