/**
 * Words of imaging that a cleaned description may keep: they tell how a picture was made and of what, and
 * identify nobody. Small letters, no accents. Names of places, makers and people are not here, nor are
 * words that describe a patient's fate.
 */
const words = `
# planes, directions, sides, positions
axial ax tra trans transverse transversal sag sagittal cor coronal obl oblique para paracoronal parasagittal
paraaxial orthogonal multiplanar left right lt rt l r bilateral bilat unilateral lateral lat medial med
anterior posterior ant post superior inferior sup inf proximal distal ventral dorsal cranial caudal
ap pa lr rl is si hf fh hfs ffs hfp ffp supine prone decubitus upright standing sitting erect flexion extension
inversion eversion neutral rotation internal external upper lower middle mid central peripheral
front back side frontal tangential axis long short 2ch 3ch 4ch 2chamber 3chamber 4chamber chamber sax lax
mlo cc mlo xccl lm ml ispi contralateral ipsilateral weightbearing weight bearing top bottom
# anatomy
brain head neck skull face facial orbit orbits eye eyes ear ears iac temporal bone bones sinus sinuses nasal
nose jaw mandible maxilla tmj teeth dental tongue larynx pharynx throat thyroid parathyroid salivary parotid
pituitary sella hippocampus hippocampi cerebellum brainstem cerebral cortex cortical subcortical white gray grey
matter ventricle ventricles ventricular spine spinal cervical thoracic lumbar lumbosacral sacral sacrum coccyx
cspine tspine lspine vertebra vertebrae vertebral disc disk cord plexus brachial chest thorax lung lungs
pulmonary pulm bronchus bronchial trachea airway airways mediastinum pleura heart cardiac coronary coronaries
myocardium myocardial pericardium atrium atrial valve mitral aortic tricuspid aorta abdomen abdominal abd liver
hepatic spleen splenic pancreas pancreatic gallbladder biliary bile duct ducts kidney kidneys renal adrenal
ureter ureters bladder stomach gastric bowel colon colonic rectum rectal appendix small large intestine
esophagus oesophagus pelvis pelvic prostate uterus ovary ovaries uterine cervix testis testes scrotum penis
placenta fetal fetus breast breasts mamma axilla shoulder clavicle scapula humerus arm elbow forearm radius ulna
wrist hand finger fingers thumb hip hips femur femoral thigh knee knees patella patellar tibia fibula leg legs
calf ankle ankles foot feet heel calcaneus toe toes joint joints sij si muscle muscles tendon ligament meniscus
cartilage soft tissue skin fat water bone marrow node nodes lymph lymphatic vessel vessels artery arteries
arterial vein veins venous portal carotid carotids jugular iliac popliteal subclavian vena cava ivc svc
intracranial extracranial body whole wholebody total trunk torso extremity extremities limb limbs
# modalities and methods
mr mri ct cta ctv ctp cbct pet pt spect nm us ultrasound sonography doppler duplex xr xa rf dx cr mg mammo
mammography tomosynthesis tomo dbt fluoroscopy fluoro angiography angio angiogram dsa mra mrv mrcp mrs
spectroscopy urography urogram enterography arthrography arthrogram myelography cystography colonography
endoscopy bronchoscopy oct ecg eeg dexa dxa densitometry elastography perfusion diffusion tractography
fmri functional resting rest rsfmri task bold asl pcasl pasl dsc dce ivim dti dwi dki dsi hardi swi swan qsm
mwi mtr mt cest flow phase contrast pcmri velocity venc tof inhance fiesta mip minip mpr mprs vr vrt ssd
reformat reformatted reformats recon reconstruction reconstructed recons 3d 2d 4d 1d cine gated gating
triggered trigger prospective retrospective breathhold breath hold bh freebreathing free breathing resp
respiratory respiration navigator nav inspiration expiration insp exp valsalva
# sequences and weightings
t1 t2 t1w t2w t1wi t2wi pd pdw pdwi pdt2 flair stir tirm tse fse ssfse haste blade propeller multivane
spin echo gradient field se gre ge epi ep2d ssepi tfe tfl ffe bffe btfe trufi truefisp fisp flash vibe lava
thrive dixon mdixon quick fame vista space cube view mprage mp2rage bravo spgr fspgr fgre irfspgr ir tir psir
inversion recovery spair spir chess fs fatsat sat saturation saturated suppressed suppression nofs fatsup
mdme synthetic magic map maps mapping t1map t2map t2star star r2 r2star adc fa trace tracew md rd ad eadc
colfa exponential isotropic iso aniso calc calculated b0 bvalue dirs dir direction directions ap pa rev
reverse reversed polarity topup fieldmap fmap b1 b1map b0map shim prescan calibration cal asset sense
grappa ipat smash caipi caipirinha multiband mb sms compressed cs accelerated ms ss single shot multishot
multi multiecho echo echoes te tr ti flip angle nex nsa avg average averages turbo fast ultrafast
high hires highres hr low lowres res resolution thin thick thickness slice slices slab interleaved gap
localizer localiser loc scout survey topogram scanogram surview aahscout planning plan reference ref
# phases, agents, states
pre post plain native non noncontrast contrast con enhanced unenhanced nativ gd gad gado gadolinium km iv oral
bolus tracking premonitoring monitoring smartprep timing test early late delayed delay dynamic dyn arterial
portalvenous venous equilibrium nephrographic excretory hepatobiliary washout washin uptake baseline stress
rest mid first second third last initial final followup follow up repeat rep additional
without with w wo and or of the to in on for from at by via per
# computed tomography, radiography, nuclear medicine
kernel sharp smooth standard std detail edge stnd lung mediastinal window level wl ww hu kv kvp ma mas ctdi ctdivol dlp
dose low lowdose ldct ld hd ncct ce cect spiral helical axial sequence volume vol volumetric dual energy mono
monoenergetic virtual iodine calcium score scoring ca cac cad dect photon counting ac nac attenuation corrected
correction uncorrected emission transmission static tomographic planar fdg psma dotatate mibg mdp tc99m f18 ga68
in111 i131 i123 suv wb te list mode frame frames projection projections raw sinogram filter filtered bp fbp
iterative asir mbir safire admire idose karl mar metal artifact artefact reduction
# objects, procedures, bookkeeping
image images series scan scans study exam examination protocol routine acquisition acq acquired derived
original processed processing postprocessing screen save capture secondary summary report result results
difference subtraction subtracted subtract sub registration registered segmentation seg mask label labels
color colour overlay fused fusion parametric quantitative statistics histogram normalized motion moco mco
distortion corrected dis2d dis3d nd nodis magnitude mag real imaginary imag phase combined combine sum mean
max maximum min minimum mode type set group part parts stack stacks station stations step run runs pass block session
baseline visit number no nr pos position positions center centre fov matrix coverage oversampling quality qa qc
phantom water test noise snr uniformity adult child pediatric paediatric infant neonatal neonate
biopsy guided intervention interventional stereotactic treatment planning radiotherapy rt linac brachytherapy
ptv gtv ctv itv oar external body couch target isocenter beam field arc vmat imrt setup simulation simulator sim
ap standard normal abnormal lesion lesions nodule nodules mass tumor tumour cyst stone fracture edema
hemorrhage haemorrhage ischemia infarct stroke trauma cancer screening staging restaging
structural anatomical anat func iso isovoxel vnav norm prescannorm pmc unfiltered filtered setter
gyroscope ext abcd sst mid nback emotional rest`

const units =
  'mm cm m um s sec secs ms min msec hz khz mhz t tesla deg kv kvp ma mas gy cgy mgy ml mg g kg mbq mci hu bpm ppm x pct'

let all: ReadonlySet<string> | undefined

/** The words, with units of measure. */
export function imagingVocabulary(): ReadonlySet<string> {
  all ??= new Set([
    ...words
      .split('\n')
      .filter((line) => !line.startsWith('#'))
      .flatMap((line) => line.split(' '))
      .filter((word) => word !== ''),
    ...units.split(' '),
  ])
  return all
}
