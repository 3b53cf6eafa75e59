import t from 'tap'
import { linkText } from '../../src/lib/organize/links.ts'

t.test('a link says the way to its object; of one elsewhere, its path as it is', async (t) => {
  const link = (name: string) => `/data/P/raw/1/2/${name}`
  // Twice: the second time the way from folder to folder is known.
  for (const name of ['3.dcm', '4.dcm']) {
    const text = (target: string) => linkText('/data', link(name), target)
    t.equal(text(`/data/P/archive/1/2/${name}`), `../../../archive/1/2/${name}`)
    t.equal(text(`/data/P/raw/1/2/x${name}`), `x${name}`)
    t.equal(text(`/data/../elsewhere/${name}`), `/data/../elsewhere/${name}`)
    // What `..` means behind a link only the kernel knows.
    t.equal(text(`/media/link/../${name}`), `/media/link/../${name}`)
    t.equal(text(`/database/${name}`), `/database/${name}`)
    t.equal(linkText('/other', link(name), `/data/${name}`), `/data/${name}`)
  }
})
