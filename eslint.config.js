import tseslint from 'typescript-eslint'

// Arrows go down only: what a room may import, by layer. A capability never imports another one
// (they meet as records); a tool never imports a tool.
const layers = [
  ['error', 'text', 'fault', 'process', 'regexp', 'yaml', 'digest'],
  ['uid', 'pixels', 'sqlite', 'http'],
  ['record'],
  ['dicom', 'storage'],
  ['match', 'layout', 'image'],
  ['config'],
  ['journal', 'cli', 'dimse', 'dicomweb', 'chain'],
  ['intake', 'control', 'crosswalk', 'transaction'],
  [
    'receive',
    'mpps',
    'commitment',
    'arrive',
    'classify',
    'organize',
    'deidentify',
    'deliver',
    'import',
    'stage',
    'supervise',
    'demo',
    'projection',
    'report',
    'request',
  ],
  // A source of requests, by the interface of that room.
  ['redcap'],
  // Looks at what every room needs before anything starts; and holds archive, journal and views against each other.
  ['check', 'reconcile'],
  ['manage'],
]
const rooms = layers.flat()

/** For each room: every room that is not below it. */
const directions = layers.flatMap((layer, level) =>
  layer.map((room) => {
    const below = layers.slice(0, level).flat()
    const forbidden = rooms.filter((other) => other !== room && !below.includes(other))
    return {
      files: [`src/lib/${room}/**/*.ts`],
      rules: {
        'no-restricted-imports': [
          'error',
          {
            patterns: [
              // The uppermost room may import all.
              ...(forbidden.length === 0
                ? []
                : [
                    {
                      group: forbidden.flatMap((other) => [`**/${other}/*`, `**/${other}/**`]),
                      message: `the room ${room} may only import ${below.join(', ') || 'nothing of ours'}`,
                    },
                  ]),
              { group: ['**/tools/*'], message: 'a room never imports a tool' },
            ],
          },
        ],
      },
    }
  }),
)

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', 'var/', '.tap/', '**/generated/', 'share/', 'docs/'] },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-meaningless-void-operator': 'off',
      eqeqeq: 'error',
    },
  },
  { files: ['**/*.js', '**/*.mjs', '**/*.cjs'], ...tseslint.configs.disableTypeChecked },
  {
    // They are CommonJS when they run.
    files: ['scripts/launcher.mjs', 'src/lib/cli/load-bundle.ts', '**/*.cjs'],
    rules: { '@typescript-eslint/no-require-imports': 'off' },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      // For Node 20 the bundler turns `using` into a variable that outlives a round of the loop: what one round
      // threw, and the loop went on from, all later rounds throw again.
      'no-restricted-syntax': [
        'error',
        {
          selector:
            ':matches(ForStatement, ForOfStatement, ForInStatement, WhileStatement, DoWhileStatement) VariableDeclaration[kind=/using/]',
          message: 'no `using` within a loop: give its body a function of its own',
        },
      ],
    },
  },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts'],
    rules: { '@typescript-eslint/no-floating-promises': 'off' },
  },
  {
    files: ['src/tools/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [{ group: ['./fiona*'], message: 'a tool never imports a tool' }] },
      ],
    },
  },
  ...directions,
)
