// What `js-script ./step.cjs with "FILE,STEP"` runs: the function STEP of FILE.js, with the network's nodes by name.
// zombienet loads scripts by `require`, which our modules do not allow.
exports.run = async (_, { nodesByName }, [file, step]) => {
  const [scenario, { call }] = await Promise.all([import(`./${file}.js`), import('../scripts/clients/lib/node.js')])
  const node = ({ wsUri }) => {
    const url = wsUri.replace(/^ws/, 'http')
    return { url, ws: wsUri, call: (method, params) => call(url, method, params) }
  }
  await scenario[step](Object.fromEntries(Object.entries(nodesByName).map(([name, info]) => [name, node(info)])))
}
