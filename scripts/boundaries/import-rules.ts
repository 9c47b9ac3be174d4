import type { IForbiddenRuleType } from 'dependency-cruiser'
import { arrows, mayImport, testsMayImport, typesOnly } from './arrows.ts'

/** Files of a package that only its own tests and builds run. */
const testFiles = '/test/|[.]test[.]ts$|/(tsup|vitest)[.]config[.]ts$'

const always: IForbiddenRuleType[] = [
  {
    name: 'no-cycles',
    severity: 'error',
    comment:
      'Modules that load each other cannot be understood, or loaded, one at a time: move what both need into a third.',
    from: {},
    // Types may name each other in a circle: nothing is loaded, and the circle is in the subject.
    to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
  },
  {
    name: 'no-unresolved-imports',
    severity: 'error',
    comment: 'Nothing stands there: is it built, installed, and named in package.json?',
    from: { path: '^[^/]+/([^/]+)/' },
    // A test may import its own package by name; dependency-cruiser does not follow that, the compiler does.
    to: { couldNotResolve: true, pathNot: '^@ds/$1(/|$)' },
  },
  {
    name: 'no-deep-imports',
    severity: 'error',
    comment: 'Another package is reached through its name and what its package.json exports.',
    from: { path: '^(packages/[^/]+|examples/[^/]+|bench|docs)/' },
    to: { path: '^packages/[^/]+/(src|test|bin)/', pathNot: '^$1/' },
  },
  {
    name: 'nothing-uses-examples',
    severity: 'error',
    comment: 'Examples, benchmarks, docs and scripts use the packages, never the other way round.',
    from: { path: '^packages/' },
    to: { path: '^(examples|bench|docs|scripts)/' },
  },
  {
    name: 'no-development-dependencies',
    severity: 'error',
    comment: 'What a package imports when it runs belongs into its dependencies or peerDependencies.',
    from: { path: '^(packages|examples)/[^/]+/src/', pathNot: testFiles },
    to: {
      dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
      dependencyTypesNot: ['type-only', 'npm', 'npm-peer'],
    },
  },
]

/** The rules that dependency-cruiser checks, made from the table of arrows. */
export function importRules(): IForbiddenRuleType[] {
  const perPackage = Object.keys(arrows).flatMap((name) => [
    arrowRule(`arrows-of-${name}`, { path: `^packages/${name}/`, pathNot: testFiles }, mayImport(name)),
    arrowRule(`arrows-of-${name}-tests`, { path: `^packages/${name}/.*(${testFiles})` }, testsMayImport(name)),
  ])
  return [...always, ...perPackage, ...typesOnly.map(typesOnlyRule)]
}

function arrowRule(name: string, from: IForbiddenRuleType['from'], allowed: readonly string[]): IForbiddenRuleType {
  return {
    name,
    severity: 'error',
    comment: `May import ${allowed.join(', ')} and no other package of this workspace (scripts/boundaries/arrows.ts).`,
    from,
    to: { path: '^packages/', pathNot: `^packages/(${allowed.join('|')})/` },
  }
}

function typesOnlyRule({ from, to }: { from: string; to: string }): IForbiddenRuleType {
  return {
    name: `${from}-takes-only-types-of-${to}`,
    severity: 'error',
    comment: 'Import it with `import type`.',
    from: { path: `^packages/${from}/`, pathNot: testFiles },
    to: { path: `^packages/${to}/`, dependencyTypesNot: ['type-only'] },
  }
}
