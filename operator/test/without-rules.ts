/** A definition without its rules: it stores what the rules of today would refuse. */
export function withoutRules<T>(definition: T): T {
  const text = JSON.stringify(definition, (field, value: unknown) =>
    field === 'x-kubernetes-validations' ? undefined : value,
  );
  return JSON.parse(text) as T;
}
