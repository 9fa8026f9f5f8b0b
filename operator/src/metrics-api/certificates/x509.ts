/**
 * The library for certificates, imported by name: a bundler that splits hands a CommonJS package that is
 * imported at run time over as its `default` alone, and this module as what it is.
 */
export * as x509 from '@peculiar/x509';
